"""Tests of the Bitrix24 client."""
