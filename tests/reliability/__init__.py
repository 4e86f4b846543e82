"""Attacks on the command, a module a family. Each module's `attacks` gives the rows of the table; its tests run the same
at a small size. `python -m tests.reliability` runs all of them and prints the table.

attack             what an attack is, its tally, its sizes; the command as a process; judging what it left
test_killed        SIGKILL at any moment, SIGTERM, Ctrl-C
test_disk          full, read-only, gone, in the way
test_input         documents that nobody would write
test_together      ten processes on one folder, readers beside them
test_models        damaged and hostile model folders
test_hub           a hub that is slow, wrong or silent
test_entries       pipes, devices, links in a folder; a stop while something is read
test_paths         inputs that want to be written elsewhere
test_planted       modules in the working folder that want to be imported
test_records       files that are read back, with values of wrong types
test_flags         answers that lie
test_scale         what grows, and what must not
test_determinism   the same in, the same out
"""
