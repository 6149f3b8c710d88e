-- A store as the first version that kept it in PostgreSQL wrote it: its tables to the letter, and rows of a ViPR server.
-- Two sent calls that wait, a received one with failed attempts, a proof,
-- and the owner of a VService. Never changed: stores of that version are in the world.
CREATE SCHEMA vipr;
CREATE TABLE vipr.store (
       one boolean PRIMARY KEY DEFAULT true CHECK (one),
       version integer NOT NULL,
       owner bigint NOT NULL,
       batch bigint NOT NULL);
INSERT INTO vipr.store VALUES (true, 1, 7, 4711);
CREATE TABLE vipr.rows (
       name text COLLATE "C" NOT NULL,
       key bytea NOT NULL,
       value bytea NOT NULL,
       due bigint,
       PRIMARY KEY (name, key));
CREATE INDEX due ON vipr.rows (name, due, key) WHERE due IS NOT NULL;
INSERT INTO vipr.rows VALUES
  ('vcrSent', '\x000003bb2cc3d800181343ce912c6084082a9a095e7984c3', '\x01010a2b3439333035353530390c2b3134303835353530393031eead2d9000003039eead2dcd4000030900000000000000a100', NULL),
  ('vcrSent', '\x000003bb2cc3dbe8ecf675b9de481954e1c0240edfa9c487', '\x01010a2b34393330353535303800eead2d9500003039eead2dd24000030900000000000000a100', NULL),
  ('vcrReceived', '\x000003bb2cc3d800de45f072e6aafa24ce1100458328119a', '\x01000c2b31343038353535303930320a2b343933303535353037eead2d9900000000eead2dd64000000000000000000000a131', NULL),
  ('proofs', '\x97f7f4d6659b05dec8d296ae3e87a4f45b2d26e14dff383bf806ed336a0caa79', '\x0100333136312f2b3439333035353530392f37373737373737373737373737373737373737373737373737373737373737372f313738002931373139383435323634383439363333323830302f313731393834353239303631393433373035363000bebc20000003bb279d7c00', 4107542400000),
  ('vserviceHolders', '\x00000000000000a1', '\x01000001a2027bd6800003706278', NULL);
