// See aml_reader.h.
#include "tests/unit/acpi/aml_reader.h"

#include <utility>

namespace lockstitch::acpi_check {

namespace {

constexpr std::size_t header_bytes = 36;
constexpr unsigned max_depth = 32;

struct Malformed {
  std::string what;
};

bool is_lead(std::uint8_t c) { return (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_name_char(std::uint8_t c) { return is_lead(c) || (c >= '0' && c <= '9'); }

std::string joined(const std::string& scope, const std::string& rest) {
  if (rest.empty()) return scope;
  return scope == "\\" ? scope + rest : scope + "." + rest;
}

/// A name as written becomes the path it declares.
std::string absolute(const std::string& scope, std::string name) {
  if (!name.empty() && name[0] == '\\') return name;
  std::string at = scope;
  while (!name.empty() && name[0] == '^') {
    at = parent_path(at);
    name.erase(0, 1);
  }
  return joined(at, name);
}

}  // namespace

std::string parent_path(const std::string& path) {
  const auto dot = path.rfind('.');
  return dot == path.npos ? "\\" : path.substr(0, dot);
}

std::string last_segment(const std::string& path) { return path.size() < 4 ? path : path.substr(path.size() - 4); }

/// Walks the bytes of one table. What is malformed is thrown as Malformed and caught by the nearest enclosing package.
class AmlNamespace::Reader {
 public:
  Reader(AmlNamespace& names, const std::string& table, Bytes bytes) : names_(names), table_(table), bytes_(bytes) {}

  void run() {
    at_ = header_bytes;
    guarded("\\", bytes_.size(), 0);
  }

 private:
  std::uint8_t peek(std::size_t ahead = 0) const {
    if (at_ + ahead >= end_) throw Malformed{"ends in the middle of an object"};
    return bytes_[at_ + ahead];
  }
  std::uint8_t byte() {
    const std::uint8_t value = peek();
    ++at_;
    return value;
  }
  std::uint64_t number(unsigned bytes) {
    std::uint64_t value = 0;
    for (unsigned i = 0; i < bytes; ++i) value |= std::uint64_t{byte()} << (8 * i);
    return value;
  }
  std::uint64_t package_length() {
    const std::uint8_t lead = byte();
    const unsigned more = lead >> 6;
    if (more == 0) return lead;
    std::uint64_t value = lead & 15;
    for (unsigned i = 0; i < more; ++i) value |= std::uint64_t{byte()} << (4 + 8 * i);
    return value;
  }
  /// The end of the package whose length field starts here.
  std::size_t package_end() {
    const std::size_t start = at_;
    const std::uint64_t length = package_length();
    if (length < at_ - start || length > end_ - start) throw Malformed{"has a package that leaves the one around it"};
    return start + length;
  }
  std::string segment() {
    std::string text;
    for (unsigned i = 0; i < 4; ++i) {
      const std::uint8_t c = byte();
      if (i == 0 ? !is_lead(c) : !is_name_char(c)) throw Malformed{"has a name with a character that none may have"};
      text += static_cast<char>(c);
    }
    return text;
  }
  std::string name() {
    std::string text;
    if (peek() == '\\') text += static_cast<char>(byte());
    while (peek() == '^') text += static_cast<char>(byte());
    unsigned count = 1;
    if (peek() == 0) {
      count = 0;
      byte();
    } else if (peek() == 0x2e) {
      count = 2;
      byte();
    } else if (peek() == 0x2f) {
      byte();
      count = byte();
    }
    for (unsigned i = 0; i < count; ++i) {
      if (i) text += '.';
      text += segment();
    }
    return text;
  }
  bool at_name() const {
    const std::uint8_t c = peek();
    return is_lead(c) || c == '\\' || c == '^' || c == 0x2e || c == 0x2f;
  }

  AmlValue value(unsigned depth) {
    if (depth > max_depth) throw Malformed{"nests too deeply"};
    AmlValue v;
    v.kind = AmlValue::Kind::integer;
    if (at_name()) {
      v.kind = AmlValue::Kind::reference;
      v.text = name();
      return v;
    }
    switch (const std::uint8_t op = byte()) {
      case 0x00:
      case 0x01:
        v.number = op;
        return v;
      case 0xff:
        v.number = ~std::uint64_t{0};
        return v;
      case 0x0a:
        v.number = number(1);
        return v;
      case 0x0b:
        v.number = number(2);
        return v;
      case 0x0c:
        v.number = number(4);
        return v;
      case 0x0e:
        v.number = number(8);
        return v;
      case 0x0d:
        v.kind = AmlValue::Kind::text;
        while (peek() != 0) v.text += static_cast<char>(byte());
        byte();
        return v;
      case 0x11: {
        v.kind = AmlValue::Kind::buffer;
        const std::size_t end = package_end();
        const AmlValue size = value(depth + 1);
        if (size.kind != AmlValue::Kind::integer || end < at_ || size.number > 0xffff || size.number < end - at_)
          throw Malformed{"has a buffer whose size is not that of its contents"};
        while (at_ < end) v.bytes.push_back(byte());
        v.bytes.resize(size.number);
        return v;
      }
      case 0x12:
      case 0x13: {
        v.kind = AmlValue::Kind::package;
        v.variable = op == 0x13;
        const std::size_t end = package_end(), outer = std::exchange(end_, end);
        const std::uint64_t count = v.variable ? value(depth + 1).number : byte();
        while (at_ < end && v.elements.size() < count) v.elements.push_back(value(depth + 1));
        end_ = outer;
        if (at_ != end) throw Malformed{"has a package with more elements than it says"};
        if (count > 0xffff) throw Malformed{"has a package of too many elements"};
        v.elements.resize(count);
        return v;
      }
      default:
        throw Malformed{"has a constant of an unknown kind"};
    }
  }

  AmlObject object(AmlObject::Kind kind, const std::string& path) const {
    AmlObject made;
    made.kind = kind;
    made.path = path;
    made.table = table_;
    return made;
  }

  /// Reads declarations up to `end`, then goes on there whatever happened.
  void guarded(const std::string& scope, std::size_t end, unsigned depth) {
    const std::size_t outer = end_;
    end_ = end;
    try {
      if (depth > max_depth) throw Malformed{"nests too deeply"};
      while (at_ < end_) declaration(scope, depth);
    } catch (const Malformed& malformed) {
      names_.errors_.push_back(table_ + " " + malformed.what + ", at byte " + std::to_string(at_) + " in " + scope);
    }
    end_ = outer;
    at_ = end;
  }

  void declaration(const std::string& scope, unsigned depth) {
    switch (byte()) {
      case 0x06: {
        name();
        names_.declare(object(AmlObject::Kind::other, absolute(scope, name())));
        return;
      }
      case 0x08: {
        AmlObject made = object(AmlObject::Kind::name, absolute(scope, name()));
        made.value = value(depth);
        names_.declare(std::move(made));
        return;
      }
      case 0x10: {
        const std::size_t end = package_end();
        const std::string written = name();
        const AmlObject* const target = names_.resolve(scope, written);
        if (!target)
          names_.errors_.push_back(table_ + " opens the scope " + absolute(scope, written) + ", which does not exist");
        guarded(target ? target->path : absolute(scope, written), end, depth + 1);
        return;
      }
      case 0x14: {
        const std::size_t end = package_end();
        AmlObject made = object(AmlObject::Kind::method, absolute(scope, name()));
        made.arguments = byte() & 7;
        method_body(made, end, depth);
        names_.declare(std::move(made));
        return;
      }
      case 0x15:
        name();
        number(2);
        return;
      case 0x5b:
        extended_declaration(scope, depth);
        return;
      case 0xa0: {
        // Compilers keep External declarations in a block that is never executed, for systems that do not know them.
        const std::size_t end = package_end();
        if (peek() != 0) throw Malformed{"has a condition where only declarations are expected"};
        at_ = end;
        return;
      }
      default:
        throw Malformed{"has an operation where only declarations are expected"};
    }
  }

  void extended_declaration(const std::string& scope, unsigned depth) {
    const std::uint8_t op = byte();
    switch (op) {
      case 0x01:
      case 0x02:
        names_.declare(object(AmlObject::Kind::other, absolute(scope, name())));
        if (op == 0x01) byte();
        return;
      case 0x80: {
        AmlObject made = object(AmlObject::Kind::region, absolute(scope, name()));
        made.space = byte();
        const AmlValue base = value(depth), bytes = value(depth);
        if (base.kind != AmlValue::Kind::integer || bytes.kind != AmlValue::Kind::integer)
          throw Malformed{"has an operation region that is not constant"};
        made.region_base = base.number;
        made.region_bytes = bytes.number;
        names_.declare(std::move(made));
        return;
      }
      case 0x81: {
        const std::size_t end = package_end(), outer = std::exchange(end_, end);
        fields(scope);
        end_ = outer;
        return;
      }
      case 0x82: {
        const std::size_t end = package_end();
        const std::string path = absolute(scope, name());
        names_.declare(object(AmlObject::Kind::device, path));
        guarded(path, end, depth + 1);
        return;
      }
      case 0x83: {
        const std::size_t end = package_end();
        AmlObject made = object(AmlObject::Kind::processor, absolute(scope, name()));
        made.processor_id = byte();
        made.block_port = static_cast<unsigned>(number(4));
        made.block_bytes = byte();
        const std::string path = made.path;
        names_.declare(std::move(made));
        guarded(path, end, depth + 1);
        return;
      }
      case 0x84:
      case 0x85: {
        const std::size_t end = package_end();
        const std::string path = absolute(scope, name());
        names_.declare(object(op == 0x84 ? AmlObject::Kind::power_resource : AmlObject::Kind::thermal_zone, path));
        if (op == 0x84) number(3);
        guarded(path, end, depth + 1);
        return;
      }
      default:
        throw Malformed{"has an extended operation where only declarations are expected"};
    }
  }

  void fields(const std::string& scope) {
    const std::string written = name();
    const AmlObject* const region = names_.resolve(scope, written);
    if (!region || region->kind != AmlObject::Kind::region)
      names_.errors_.push_back(table_ + " has fields of the region " + written + ", which does not exist");
    byte();  // access, lock and update rules
    std::uint64_t bit = 0;
    while (at_ < end_) {
      switch (peek()) {
        case 0:
          byte();
          bit += package_length();
          break;
        case 1:
          number(3);
          break;
        case 3:
          number(4);
          break;
        default: {
          AmlObject made = object(AmlObject::Kind::field, absolute(scope, segment()));
          made.region = region ? region->path : "";
          made.bit_offset = bit;
          made.bits = package_length();
          bit += made.bits;
          names_.declare(std::move(made));
        }
      }
    }
  }

  void method_body(AmlObject& method, std::size_t end, unsigned depth) {
    const std::size_t outer = std::exchange(end_, end);
    try {
      while (at_ < end_ && peek() == 0x08) {
        byte();
        const std::string local = name();
        method.locals[local] = value(depth);
      }
      if (at_ < end_ && peek() == 0xa4) {
        byte();
        method.value = value(depth);
        if (at_ != end_) method.calls = std::exchange(method.value, {}).text;  // a name with arguments
      }
    } catch (const Malformed&) {
      method.value = {};  // code, which is not read
    }
    end_ = outer;
    at_ = end;
  }

  AmlNamespace& names_;
  const std::string table_;
  const Bytes bytes_;
  std::size_t at_ = 0, end_ = bytes_.size();
};

AmlNamespace::AmlNamespace() {
  for (const char* path : {"\\", "\\_GPE", "\\_PR_", "\\_SB_", "\\_SI_", "\\_TZ_"}) {
    AmlObject scope;
    scope.path = path;
    scope.table = "ACPI";
    objects_[path] = scope;
  }
}

void AmlNamespace::read(const std::string& table, Bytes bytes) {
  if (bytes.size() >= header_bytes) Reader(*this, table, bytes).run();
}

void AmlNamespace::declare(AmlObject object) {
  const std::string path = object.path;
  if (!find(parent_path(path)))
    errors_.push_back(object.table + " declares " + path + " in a scope that does not exist");
  const auto [old, added] = objects_.emplace(path, object);
  if (!added) errors_.push_back(object.table + " declares " + path + " once more; " + old->second.table + " has it");
}

const AmlObject* AmlNamespace::find(const std::string& path) const {
  const auto found = objects_.find(path);
  return found == objects_.end() ? nullptr : &found->second;
}

const AmlObject* AmlNamespace::resolve(const std::string& scope, const std::string& name) const {
  const bool searches = name.size() == 4 && name[0] != '\\' && name[0] != '^';
  if (!searches) return find(absolute(scope, name));
  for (std::string at = scope;; at = parent_path(at)) {
    if (const AmlObject* const found = find(joined(at, name))) return found;
    if (at == "\\") return nullptr;
  }
}

const AmlValue* AmlNamespace::constant(const AmlObject& object) const {
  const AmlObject* at = &object;
  for (unsigned hops = 0; hops < 8; ++hops) {
    if (at->kind != AmlObject::Kind::name && at->kind != AmlObject::Kind::method) return nullptr;
    if (at->value.kind == AmlValue::Kind::none) return nullptr;
    if (at->value.kind != AmlValue::Kind::reference) return &at->value;
    const AmlObject* const next = resolve(parent_path(at->path), at->value.text);
    if (!next || next == at) return nullptr;
    at = next;
  }
  return nullptr;
}

const AmlObject* AmlNamespace::member(const AmlObject& device, const std::string& segment) const {
  return find(joined(device.path, segment));
}

std::vector<const AmlObject*> AmlNamespace::of_kind(AmlObject::Kind kind) const {
  std::vector<const AmlObject*> found;
  for (const auto& [path, object] : objects_)
    if (object.kind == kind) found.push_back(&object);
  return found;
}

}  // namespace lockstitch::acpi_check
