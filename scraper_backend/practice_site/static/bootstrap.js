// The real page loads bootstrap here; its widgets are not used.
