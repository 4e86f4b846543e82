"""One module a format: how rows are written in it, and, where people edit such files, how pairs are read from it. A writer is a
function from rows to one finished file; which one a name means, and where files go, is for the room above.
"""
