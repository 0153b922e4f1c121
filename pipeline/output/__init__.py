"""Annotated blocks → parts, quarantine and commit records → a verified output."""
