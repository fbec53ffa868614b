"""The specification of b24_pipeline, as tests."""
