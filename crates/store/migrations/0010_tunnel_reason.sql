-- Why a connection carried no request, in a sentence, where something failed.
ALTER TABLE tunnels ADD COLUMN reason TEXT;
