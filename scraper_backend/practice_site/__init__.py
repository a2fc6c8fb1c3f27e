"""A practice copy of SUNAT's "Consulta RUC" site with invented taxpayers. Must not know the scraper that visits it."""
