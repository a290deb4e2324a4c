"""What may end a position: one rule per module, with its parameters and the evidence it shows."""
