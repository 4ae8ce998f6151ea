"""The actions of the package API; `table` has them all."""
