"""The admin page: one template, one stylesheet, one script, served as they lie here. Fetches nothing from elsewhere."""
