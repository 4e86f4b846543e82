"""What goes out of a run, and comes back into it, in the formats of other programs: rows to files for translators, spreadsheets and
data tools, people's corrections from such files, and flags for translations that anyone made.
"""
