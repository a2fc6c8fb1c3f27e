"""Several processes that serve one port: the supervisor, its crew of workers, and what these say to each other."""
