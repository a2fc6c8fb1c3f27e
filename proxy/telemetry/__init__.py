"""What happened, as integers read on scrape and one log line per exchange. Decides nothing; no URL in a label."""
