"""Rich values: pictures, sounds, tables and what else a row can hold beside numbers and texts."""
