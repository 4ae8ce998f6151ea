"""Scripts of behaviour: files, matching, and the timeline that an execution is bound to."""
