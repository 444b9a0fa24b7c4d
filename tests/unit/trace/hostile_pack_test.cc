// Packs that were damaged, cut off, or made to do harm: an error each time, nothing left behind, nothing written
// elsewhere.
#include <doctest/doctest.h>
#include <zstd.h>

#include "sync/trace/layout.h"
#include "sync/trace/manifest.h"
#include "sync/trace/pack.h"
#include "tests/unit/trace/tar_text.h"
#include "tests/unit/trace/workshop.h"

using namespace lockstitch;
using namespace lockstitch::sync;
using namespace lockstitch::test;

namespace {

std::string line_for(const std::string& name, const Contents& contents) {
  return manifest_line(name, identify_image(Bytes(contents)));
}

const Contents header = text("a header");
const Contents segment = text("a segment");

/// An archive of a header, a segment, what is wrong with it, and a manifest of everything.
struct Wrong {
  explicit Wrong(const TarText::Entry& entry) {
    tar.add({"log/000000.zst", '0', segment, "", -1}).add(entry).add({"trace.header", '0', header, "", -1});
    const std::string manifest =
        line_for("log/000000.zst", segment) + line_for(entry.name, entry.contents) + line_for("trace.header", header);
    tar.add({"manifest", '0', text(manifest), "", -1});
  }
  TarText tar;
};

/// Unpacks into `place/out`: what came of it must be an error, and nothing may have changed anywhere.
Error refusal(const Workshop& workshop, const Contents& pack) {
  workshop.write("place/pack", pack);
  const auto before = workshop.tree(".");
  const Outcome outcome = unpack_trace(workshop.at("place/pack"), workshop.at("place/out"), {});
  CHECK(workshop.tree(outcome.ok() ? "nowhere" : ".") == before);
  if (outcome.ok()) return {};
  CHECK(!outcome.error().text.empty());
  return outcome.error();
}

Contents compressed(const Contents& from) {
  Contents to(ZSTD_compressBound(from.size()));
  to.resize(ZSTD_compress(to.data(), to.size(), from.data(), from.size(), 1));
  return to;
}

Contents decompressed(const Contents& from) {
  Contents to(16 * mib);
  ZSTD_DCtx* context = ZSTD_createDCtx();
  ZSTD_outBuffer out{to.data(), to.size(), 0};
  ZSTD_inBuffer in{from.data(), from.size(), 0};
  while (ZSTD_decompressStream(context, &out, &in) != 0 && in.pos < in.size) continue;
  ZSTD_freeDCtx(context);
  to.resize(out.pos);
  return to;
}

/// Unpacks a changed copy of the pack of a trace. True: refused, and nothing stayed; false: it came out as it was.
bool refused_or_right(const Workshop& workshop, const Contents& pack, const std::map<std::string, Contents>& right) {
  workshop.write("pack", pack);
  const Outcome outcome = unpack_trace(workshop.at("pack"), workshop.at("out"), {});
  const auto tree = workshop.tree("out");
  std::filesystem::remove_all(workshop.at("out"));
  if (outcome.ok()) {
    CHECK(tree == right);
  } else {
    CHECK(outcome.error().code == ExitCode::bad_input);
    CHECK(tree.empty());
  }
  return !outcome.ok();
}

struct PackedTrace {
  PackedTrace(const Workshop& workshop, const SmallTrace& trace) {
    const Outcome packed = pack_trace(trace.folder, trace.images, {}, workshop.at("whole"), {});
    if (!packed.ok()) FAIL(packed.error().text);
    const Outcome unpacked = unpack_trace(workshop.at("whole"), workshop.at("right"), {});
    if (!unpacked.ok()) FAIL(unpacked.error().text);
    bytes = workshop.read("whole");
    tree = workshop.tree("right");
  }
  Contents bytes;
  std::map<std::string, Contents> tree;
};

}  // namespace

TEST_CASE("an archive made by hand as the format says is unpacked, compressed or not") {
  const Workshop workshop;
  const Contents tar = Wrong({"checkpoints/pages", '0', text("pages"), "", -1}).tar.end();
  for (const Contents& pack : {tar, compressed(tar)}) {
    const Outcome outcome = unpack_trace(workshop.write("pack", pack), workshop.at("out"), {});
    if (!outcome.ok()) FAIL(outcome.error().text);
    CHECK(workshop.read("out/checkpoints/pages") == text("pages"));
    CHECK(workshop.read("out/trace.header") == header);
    std::filesystem::remove_all(workshop.at("out"));
  }
}

TEST_CASE("names outside of the layout are refused and written nowhere") {
  const Workshop workshop;
  for (const std::string& name :
       {std::string("../x"), std::string("../../x"), workshop.at("x"), std::string("log/../../x"), std::string("x"),
        std::string("log/x"), std::string("log/../../000000.zst"), std::string("./trace.header"),
        std::string("overlay"), std::string("control"), std::string("trace.header.part"), std::string("log/000000.tmp"),
        std::string("images/../log/000001.zst"), std::string("log/000001.zst/x"), std::string("checkpoints")}) {
    CAPTURE(name);
    const Error error = refusal(workshop, Wrong({name, '0', text("harm"), "", -1}).tar.end());
    CHECK(error.text.find("no part of a trace") != std::string::npos);
  }
}

TEST_CASE("links, folders, devices and pipes are refused, under good names too") {
  const Workshop workshop;
  workshop.write("secret", text("secret"));
  for (const char type : {'1', '2', '3', '4', '5', '6'}) {
    for (const std::string& target :
         {workshop.at("secret"), std::string("../../secret"), std::string("log/000000.zst"), std::string("/etc")}) {
      for (const std::string name : {"log/000001.zst", "log", "checkpoints/", "images/../../x"}) {
        CAPTURE(type);
        CAPTURE(target);
        CAPTURE(name);
        const Error error = refusal(workshop, Wrong({name, type, {}, target, -1}).tar.end());
        CHECK(error.text.find("no plain file") != std::string::npos);
      }
    }
  }
  CHECK(workshop.read("secret") == text("secret"));
}

TEST_CASE("a hard link with contents of its own is refused") {
  const Workshop workshop;
  const std::string attribute = "19 comment=a word.\n";
  TarText tar;
  tar.add({"x", 'x', text(attribute), "", -1}).add({"log/000000.zst", '1', segment, "trace.header", -1});
  tar.add({"trace.header", '0', header, "", -1});
  tar.add({"manifest", '0', text(line_for("log/000000.zst", segment) + line_for("trace.header", header)), "", -1});
  CHECK(refusal(workshop, tar.end()).text.find("no plain file") != std::string::npos);
}

TEST_CASE("a pack tells neither when it was made nor by whom") {
  const Workshop workshop;
  const SmallTrace trace(workshop);
  const Contents tar = decompressed(PackedTrace(workshop, trace).bytes);
  unsigned entries = 0;
  for (std::size_t at = 0; at + 512 <= tar.size(); at += 512) {
    const std::string record(tar.begin() + static_cast<std::ptrdiff_t>(at),
                             tar.begin() + static_cast<std::ptrdiff_t>(at + 512));
    if (record.compare(257, 5, "ustar") != 0) continue;
    ++entries;
    CHECK(record.substr(100, 6) == "000644");
    CHECK(record.substr(108, 6) == "000000");
    CHECK(record.substr(116, 6) == "000000");
    CHECK(record.substr(136, 11) == "00000000001");
  }
  CHECK(entries >= 8);
}

TEST_CASE("a file twice is refused") {
  const Workshop workshop;
  for (const std::string name : {"log/000000.zst", "trace.header"}) {
    CHECK(refusal(workshop, Wrong({name, '0', text("other"), "", -1}).tar.end()).text.find("twice") !=
          std::string::npos);
  }
}

TEST_CASE("an image that is not what its name says is refused") {
  const Workshop workshop;
  const std::string name = image_name(identify_image(Bytes(segment)).hash);
  CHECK(refusal(workshop, Wrong({name, '0', text("other"), "", -1}).tar.end()).text.find("not what its name says") !=
        std::string::npos);
}

TEST_CASE("a manifest that is missing, wrong, not last, or without a header is refused") {
  const Workshop workshop;
  const auto archive = [](const std::vector<std::pair<std::string, Contents>>& entries) {
    TarText tar;
    for (const auto& [name, contents] : entries) tar.add({name, '0', contents, "", -1});
    return tar.end();
  };
  const std::string segment_line = line_for("log/000000.zst", segment);
  const std::string header_line = line_for("trace.header", header);
  const auto says = [&](const Contents& pack, const std::string& words) {
    return refusal(workshop, pack).text.find(words) != std::string::npos;
  };
  CHECK(says(archive({{"log/000000.zst", segment}, {"trace.header", header}}), "cut off"));
  CHECK(says(archive({{"trace.header", header}, {"manifest", text(segment_line + header_line)}}), "manifest"));
  CHECK(says(archive({{"trace.header", header}, {"manifest", text("")}}), "manifest"));
  CHECK(says(archive({{"trace.header", text("b header")}, {"manifest", text(header_line)}}), "manifest"));
  CHECK(says(archive({{"trace.header", header}, {"manifest", text(header_line)}, {"log/000000.zst", segment}}),
             "behind its end"));
  CHECK(says(archive({{"trace.header", header}, {"manifest", text(header_line)}, {"manifest", text(header_line)}}),
             "behind its end"));
  CHECK(says(archive({{"log/000000.zst", segment}, {"manifest", text(segment_line)}}), "no header"));
  CHECK(says(archive({{"manifest", {}}}), "no header"));
  CHECK(says(archive({}), ""));
}

TEST_CASE("a file that announces more than there is, or than there can be, is refused and takes no room") {
  const Workshop workshop;
  for (const std::int64_t announced : {std::int64_t{1} << 20, std::int64_t{1} << 33, std::int64_t{1} << 45,
                                       std::int64_t{1} << 50, std::int64_t{1} << 62}) {
    CAPTURE(announced);
    CHECK(!refusal(workshop, Wrong({"log/000001.zst", '0', text("little"), "", announced}).tar.end()).text.empty());
  }
}

TEST_CASE("a sparse map that lies is refused") {
  const Workshop workshop;
  // GNU sparse 1.0: attributes in a pax header, the map at the beginning of the data.
  const auto sparse = [&](const std::string& real_bytes, const std::string& map) {
    const auto record = [](const std::string& pair) {
      std::size_t length = pair.size() + 3;
      while (std::to_string(length).size() + pair.size() + 2 != length) ++length;
      return std::to_string(length) + " " + pair + "\n";
    };
    const std::string attributes = record("GNU.sparse.major=1") + record("GNU.sparse.minor=0") +
                                   record("GNU.sparse.name=log/000001.zst") +
                                   record("GNU.sparse.realsize=" + real_bytes);
    Contents data = text(map);
    data.resize(512);
    data.resize(1024, 'x');
    TarText tar;
    tar.add({"x", 'x', text(attributes), "", -1}).add({"log/000001.zst", '0', data, "", -1});
    tar.add({"trace.header", '0', header, "", -1});
    Contents real(8192);
    std::fill_n(real.begin() + 4096, 512, std::uint8_t{'x'});
    tar.add({"manifest", '0', text(line_for("log/000001.zst", real) + line_for("trace.header", header)), "", -1});
    return tar.end();
  };
  workshop.write("pack", sparse("8192", "1\n4096\n512\n"));
  const Outcome right = unpack_trace(workshop.at("pack"), workshop.at("out"), {});
  if (!right.ok()) FAIL(right.error().text);
  for (const auto& [bytes, map] :
       std::vector<std::pair<std::string, std::string>>{{"8192", "1\n4095\n512\n"},
                                                        {"8192", "1\n8000\n512\n"},
                                                        {"8192", "1\n4611686018427387904\n512\n"},
                                                        {"8192", "2\n4096\n256\n4096\n256\n"},
                                                        {"8192", "2\n4096\n256\n100\n256\n"},
                                                        {"8191", "1\n4096\n512\n"},
                                                        {"100", "1\n4096\n512\n"},
                                                        {"9223372036854775807", "1\n9223372036854775000\n512\n"},
                                                        {"70368744177664", "1\n4096\n512\n"},
                                                        {"-1", "1\n4096\n512\n"},
                                                        {"8192", "1\n-512\n512\n"},
                                                        {"8192", "0\n"},
                                                        {"8192", "99999999999\n1\n1\n"}}) {
    CAPTURE(bytes);
    CAPTURE(map);
    CHECK(!refusal(workshop, sparse(bytes, map)).text.empty());
  }
}

TEST_CASE("a pack that is cut off anywhere is refused") {
  const Workshop workshop;
  const SmallTrace trace(workshop);
  const PackedTrace whole(workshop, trace);
  const std::uint64_t seed = chosen_seed();
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  std::vector<std::size_t> lengths{0, 1, 3, 4, 5, 100, 511, 512, whole.bytes.size() - 1, whole.bytes.size() - 2};
  for (int i = 0; i < 60; ++i) lengths.push_back(random() % whole.bytes.size());
  for (std::size_t last = 3; last < 40; ++last) lengths.push_back(whole.bytes.size() - last);
  for (const std::size_t length : lengths) {
    CAPTURE(length);
    const bool refused = refused_or_right(
        workshop, {whole.bytes.begin(), whole.bytes.begin() + static_cast<std::ptrdiff_t>(length)}, whole.tree);
    // The very last bytes of the compressed frame hold nothing but zeros behind the end of the archive.
    if (length + 40 < whole.bytes.size()) CHECK(refused);
  }
}

TEST_CASE("bytes changed at random are refused or change nothing, compressed and not") {
  const Workshop workshop;
  const SmallTrace trace(workshop);
  const PackedTrace whole(workshop, trace);
  const Contents tar = decompressed(whole.bytes);
  REQUIRE(tar.size() > 90'000);
  CHECK(!refused_or_right(workshop, tar, whole.tree));

  const std::uint64_t seed = chosen_seed();
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  for (const Contents& pack : {whole.bytes, tar}) {
    unsigned refused = 0;
    constexpr unsigned rounds = 150;
    for (unsigned i = 0; i < rounds; ++i) {
      CAPTURE(i);
      Contents changed = pack;
      const unsigned flips = i % 3 == 0 ? 1 : static_cast<unsigned>(1 + random() % 8);
      for (unsigned flip = 0; flip < flips; ++flip) {
        // Half of them where the structure is.
        const std::size_t range = random() % 2 == 0 ? std::min<std::size_t>(changed.size(), 4096) : changed.size();
        const bool at_end = random() % 2 == 0;
        const std::size_t at = random() % range;
        changed[at_end ? changed.size() - 1 - at : at] ^= static_cast<std::uint8_t>(1 + random() % 255);
      }
      refused += refused_or_right(workshop, changed, whole.tree) ? 1 : 0;
    }
    CHECK(refused > rounds / 4);
  }
}
