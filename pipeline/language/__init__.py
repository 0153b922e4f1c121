"""Which X-MOD language adapter a record goes through, and what happens where there is none.

``route.Identify`` is the stage. ``tags`` reads what a language column says, ``detector`` asks a
library where no column does, ``evidence`` holds what characters alone tell.
"""
