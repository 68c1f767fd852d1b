"""What a flow says: the file with its positions, and the records it is read into."""
