"""Import the employees of a Bitrix24 portal into a CallGear account."""

__version__ = "0.1.0"
