"""What the workers of one machine share over the embedded store: a hub in their supervisor, and its clients."""
