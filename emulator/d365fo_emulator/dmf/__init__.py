"""The data management package API: data projects, executions, import and export."""
