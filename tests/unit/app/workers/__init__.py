"""The supervisor and its workers, part by part."""
