"""Networks: encoder, heads, queue of keys, moving average."""
