"""The ledger's vocabulary: one frozen structure per kind of record, holding exactly the text that is written.

Money, prices and sizes are canonical decimal text (``Exact``), instants are UTC microseconds. A field left ``UNSET``
in a record that changes a row leaves that column as it is.
"""
