"""Where a worker process stands among the others of one Tambo: plain values, handed to it when it starts."""

from pathlib import Path

from msgspec import Struct


class WorkerPlace(Struct, frozen=True):
    """One of several processes that serve one port."""

    number: int
    """Never another process's, also not one's that has ended: a worker that starts again has a new one."""
    hub: Path | None
    """The socket of what the workers share over the embedded store; None: they share through Redis."""
    runtime: Path
    """The folder of this Tambo's private sockets; nobody else may look into it."""

    @property
    def admin(self) -> Path:
        """The socket of this worker's own admin application, for the supervisor."""
        return self.runtime / f"worker-{self.number}.sock"


def public_admin(runtime: Path) -> Path:
    """The socket of the admin application for what comes under the prefix on the public port."""
    return runtime / "public.sock"
