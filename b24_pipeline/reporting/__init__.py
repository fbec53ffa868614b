"""Texts and pictures for people: previews in the UI, the report, one person's history."""
