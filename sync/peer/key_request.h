// Making the keys of a pair, for the command line, which knows nothing of kj. What they are for: keys.h.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "lockstitch/result.h"

namespace lockstitch::sync {

struct KeyRequest {
  std::string folder;                ///< made if missing
  std::vector<std::string> members;  ///< one sub-folder each: authority.pem, certificate.pem, key.pem (mode 0600)
  std::uint64_t days = 3650;
};

/// Makes an authority and the members' keys (ECDSA P-256). The authority's private key stays in `folder`
/// (authority-key.pem, 0600), so that a member can be added later: members that exist already are refused. Fails: a bad
/// name, unwritable, exists.
Outcome make_keys(const KeyRequest& request);

}  // namespace lockstitch::sync
