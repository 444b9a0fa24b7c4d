# What we say to and hear from the JSON gateway of etcd's API v3 (etcd 3.4 and later, api/etcdserverpb/rpc.proto): the
# fields that we use. etcd writes 64-bit numbers as strings and leaves out zeros.

@0xa7d5e10b83c9f264;

using Cxx = import "/capnp/c++.capnp";
using Json = import "/capnp/compat/json.capnp";
$Cxx.namespace("lockstitch::sync::schema");

struct EtcdRange {
  key @0 :Data $Json.base64;
}

struct EtcdRangeAnswer {
  kvs @0 :List(EtcdPair);
}

struct EtcdPair {
  value @0 :Data $Json.base64;
  modRevision @1 :Int64 $Json.name("mod_revision");
}

struct EtcdTransaction {
  compare @0 :List(Compare);
  success @1 :List(Step);
  failure @2 :List(Step);

  struct Compare {
    key @0 :Data $Json.base64;
    target @1 :Text;
    result @2 :Text;
    modRevision @3 :Int64 $Json.name("mod_revision");
  }
  struct Step {
    union {
      requestPut @0 :Put $Json.name("request_put");
      requestRange @1 :EtcdRange $Json.name("request_range");
    }
  }
  struct Put {
    key @0 :Data $Json.base64;
    value @1 :Data $Json.base64;
  }
}

struct EtcdTransactionAnswer {
  succeeded @0 :Bool;
  responses @1 :List(Response);

  struct Response {
    responseRange @0 :EtcdRangeAnswer $Json.name("response_range");
  }
}
