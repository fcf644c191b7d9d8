"""The protocol (RFC 7643, RFC 7644): client, discovery, listing, errors. It knows nothing of plans."""
