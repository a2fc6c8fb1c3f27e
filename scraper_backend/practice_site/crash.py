"""Pages whose script kills or freezes the browser's renderer. Must not be sent unless a switch asks for it."""

from typing import Final

from scraper_backend.practice_site.markup import Page

SCRIPTS: Final = {
    # a tree deeper than the layout's stack: Chromium's renderer dies within two seconds and needs no memory for it
    "kill": (
        "var deep = document.body;"
        " for (var i = 0; i < 20000; i++) { deep = deep.appendChild(document.createElement('div')); }"
        " document.body.offsetHeight;"
    ),
    # fills the engine's heap: about 4 GB and half a minute until the renderer dies
    "exhaust": "var heap = []; for (;;) { heap.push(heap.length + new Array(100000).fill(heap.length).join()); }",
    # the renderer lives but never finishes loading
    "spin": "while (true) {}",
    # the page is loaded, then its renderer answers nobody: commands to the browser wait for ever
    "freeze": "window.onload = function() { setTimeout(function() { while (true) {} }, 0); };",
}


def crashing(how: str) -> Page:
    """A page that ends its renderer; `how` is a key of SCRIPTS."""
    return Page(
        "<!DOCTYPE html>\n<html>\n<head><title>SUNAT - Consulta RUC</title></head>\n<body>\n<p>Procesando...</p>\n"
        f"<script>{SCRIPTS[how]}</script>\n</body>\n</html>\n"
    )
