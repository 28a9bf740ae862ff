"""What compare.py, growth.py and guard.py share: how to run what is measured, to judge, and to draw it."""
