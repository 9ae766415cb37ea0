-- Why Langley's TLS hello to the provider was not the one that was wanted.
ALTER TABLE flows ADD COLUMN tls_note TEXT;
