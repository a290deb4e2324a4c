"""The exchange's own spelling: every request, answer and push as a type, good for both ends of the line.

A client decodes rows and encodes asks; an embedded exchange does the opposite with the same types. Text that stands for
a number is carried unchanged; the blank means "not available". Unknown fields are skipped, unknown members are carried.
"""
