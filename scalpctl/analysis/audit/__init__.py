"""The checklist as a linter for money: checks are queries over the ledger, each finding comes with its rows."""
