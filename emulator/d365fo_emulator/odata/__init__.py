"""OData as the product speaks it: signatures, bodies, contexts, errors, `$metadata`."""
