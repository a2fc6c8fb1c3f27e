"""Pages whose script kills or freezes the browser's renderer. Must not be sent unless a switch asks for it."""

from typing import Final

from scraper_backend.practice_site.markup import Page

SCRIPTS: Final = {
    # an array that grows beyond what the engine can hold is a fatal error: the renderer dies within a second or two
    "exhaust": "var heap = [0]; while (true) { heap = heap.concat(heap); }",
    # the renderer lives but answers nobody
    "spin": "while (true) {}",
}


def crashing(how: str) -> Page:
    """A page that ends its renderer; `how` is a key of SCRIPTS."""
    return Page(
        "<!DOCTYPE html>\n<html>\n<head><title>SUNAT - Consulta RUC</title></head>\n<body>\n<p>Procesando...</p>\n"
        f"<script>setTimeout(function() {{ {SCRIPTS[how]} }}, 0);</script>\n</body>\n</html>\n"
    )
