"""The Bitrix24 client: reads the users of a portal through an inbound webhook and never changes anything."""
