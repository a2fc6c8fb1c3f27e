// The real page loads its workspace script here; nothing in it changes the page.
