"""What people read: previews in the UI, the report, alerts."""
