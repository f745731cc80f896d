"""The same views by other libraries, as their users would write them."""
