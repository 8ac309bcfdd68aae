"""The endpoints: they translate between HTTP and what the other modules do, and decide nothing."""
