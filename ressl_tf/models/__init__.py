"""Networks: encoder, classifier, heads, the queue of keys and the moving average."""
