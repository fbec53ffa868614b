"""A thin client of the CallGear Data API v2.0: employees and the responsible list; it never deletes an employee."""
