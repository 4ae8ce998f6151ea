"""What every subsystem stands on: time, ids, workspaces, errors, faults. Imports none of ours."""
