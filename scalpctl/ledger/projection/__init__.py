"""How records become rows of the typed tables, when they are written and again when the tables are rebuilt."""
