// Where Haraka would wait for what has nothing to do with its work. It asks DNS for the name of every caller, which Adieu does not and
// nobody here would answer; and it lets the kernel hold back a reply until the one before is acknowledged, up to 40 ms.
exports.hook_lookup_rdns = (next, connection) => {
  connection.client.targetsocket.setNoDelay(true);
  next(OK, 'caller.example.net');
};
