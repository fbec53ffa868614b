"""The Bitrix24 client: reads the users of a portal through an incoming webhook and never changes anything."""
