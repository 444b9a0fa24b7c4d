// The folder of a trace: what is made, what is refused, and where images are found.
#include "sync/trace/trace_folder.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include "sync/trace/layout.h"
#include "tests/unit/trace/workshop.h"

using namespace lockstitch;
using namespace lockstitch::sync;
using namespace lockstitch::test;

namespace {

bool mentions(const Error& error, const std::string& word) { return error.text.find(word) != std::string::npos; }

}  // namespace

TEST_CASE("a new folder has its subfolders, and an empty one will do") {
  const Workshop workshop;
  std::filesystem::create_directory(workshop.at("empty"));
  for (const std::string name : {"new", "empty"}) {
    const auto folder = TraceFolder::create(workshop.at(name));
    REQUIRE(folder.ok());
    CHECK(folder.value().path() == workshop.at(name));
    CHECK(std::filesystem::is_directory(folder.value().log()));
    CHECK(std::filesystem::is_directory(folder.value().checkpoints()));
    CHECK(std::filesystem::is_directory(folder.value().images()));
    CHECK(folder.value().header() == workshop.at(name) + "/trace.header");
    CHECK(folder.value().control() == workshop.at(name) + "/control");
  }
}

TEST_CASE("a folder that holds anything is refused, and all of it stays") {
  const Workshop workshop;
  const SmallTrace trace(workshop);
  const auto before = workshop.tree("trace");
  const auto again = TraceFolder::create(workshop.at("trace"));
  REQUIRE(!again.ok());
  CHECK(mentions(again.error(), "already holds a trace"));
  CHECK(workshop.tree("trace") == before);

  workshop.write("thesis/chapter", text("words"));
  const auto other = TraceFolder::create(workshop.at("thesis"));
  REQUIRE(!other.ok());
  CHECK(mentions(other.error(), "'chapter'"));
  CHECK(workshop.tree("thesis") == std::map<std::string, Contents>{{"chapter", text("words")}});

  // Two recordings at once: the second one finds the folder taken although there is no file in it yet.
  REQUIRE(TraceFolder::create(workshop.at("claimed")).ok());
  CHECK(!TraceFolder::create(workshop.at("claimed")).ok());
  CHECK(std::filesystem::is_directory(workshop.at("claimed/log")));
}

TEST_CASE("a folder below nothing, below a file, or in the place of a file is refused with the reason") {
  const Workshop workshop;
  workshop.write("file", text("x"));
  const auto below_nothing = TraceFolder::create(workshop.at("no/trace"));
  REQUIRE(!below_nothing.ok());
  CHECK(below_nothing.error().code == ExitCode::missing_input);
  CHECK(mentions(below_nothing.error(), "above it does not exist"));
  CHECK(!TraceFolder::create(workshop.at("file/trace")).ok());
  CHECK(!TraceFolder::create(workshop.at("file")).ok());
  CHECK(workshop.read("file") == text("x"));
}

TEST_CASE("an image is found in the trace first, then where it was, then in a folder named") {
  const Workshop workshop;
  const SmallTrace trace(workshop);
  const ImageReference& kernel = trace.images[0];
  const Contents contents = workshop.read("host/vmlinuz");
  const auto found = [&](const std::vector<std::string>& search) {
    const auto path = trace.folder.find_image(kernel, search);
    return path.ok() ? path.value() : "error: " + path.error().text;
  };
  const std::vector<std::string> search{workshop.at("empty"), workshop.at("copies")};

  CHECK(found({}) == kernel.path);
  workshop.write("copies/vmlinuz", contents);
  CHECK(found(search) == kernel.path);
  const std::string inside = workshop.write("trace/" + image_name(kernel.hash), contents);
  CHECK(found(search) == inside);

  std::filesystem::remove(inside);
  std::filesystem::remove(kernel.path);
  CHECK(found(search) == workshop.at("copies/vmlinuz"));
  std::filesystem::remove(workshop.at("copies/vmlinuz"));
  workshop.write("copies/" + to_text(kernel.hash), contents);
  CHECK(found(search) == workshop.at("copies/" + to_text(kernel.hash)));
}

TEST_CASE("an image of the right name and wrong contents or size is passed over for a right one") {
  const Workshop workshop;
  const SmallTrace trace(workshop);
  const ImageReference& kernel = trace.images[0];
  Contents contents = workshop.read("host/vmlinuz");
  workshop.write("copies/vmlinuz", contents);
  workshop.write("trace/" + image_name(kernel.hash), text("damaged"));
  contents[123] ^= 1;
  workshop.write("host/vmlinuz", contents);
  const auto path = trace.folder.find_image(kernel, {workshop.at("copies")});
  REQUIRE(path.ok());
  CHECK(path.value() == workshop.at("copies/vmlinuz"));
}

TEST_CASE("an image that is nowhere, or changed, is an error that says which and what to do") {
  const Workshop workshop;
  const SmallTrace trace(workshop);
  const ImageReference& kernel = trace.images[0];
  Contents contents = workshop.read("host/vmlinuz");
  contents[99] ^= 0x40;
  workshop.write("host/vmlinuz", contents);
  const auto changed = trace.folder.find_image(kernel, {});
  REQUIRE(!changed.ok());
  CHECK(changed.error().code == ExitCode::bad_input);
  for (const std::string word : {"kernel", "host/vmlinuz' has other contents", "--images", "pack"}) {
    CAPTURE(word);
    CHECK(mentions(changed.error(), word));
  }

  contents.push_back(0);
  workshop.write("host/vmlinuz", contents);
  const auto longer = trace.folder.find_image(kernel, {});
  REQUIRE(!longer.ok());
  CHECK(mentions(longer.error(), "has 30001 bytes and had 30000"));

  std::filesystem::remove(kernel.path);
  const auto gone = trace.folder.find_image(kernel, {workshop.at("copies")});
  REQUIRE(!gone.ok());
  CHECK(gone.error().code == ExitCode::missing_input);
  CHECK(mentions(gone.error(), "host/vmlinuz', is gone and not in the folders named"));
}

TEST_CASE("a kept link outlives the replacement of a file, by way of a symbolic link too") {
  const Workshop workshop;
  const SmallTrace trace(workshop);
  const Contents contents = workshop.read("host/vmlinuz");
  REQUIRE(::symlink("vmlinuz", workshop.at("host/current").c_str()) == 0);
  ImageReference kernel = trace.images[0];
  kernel.path = workshop.at("host/current");
  trace.folder.keep_link(kernel);

  workshop.write("host/fresh", noise(31'000, 99));
  std::filesystem::rename(workshop.at("host/fresh"), workshop.at("host/vmlinuz"));
  const auto path = trace.folder.find_image(kernel, {});
  REQUIRE(path.ok());
  CHECK(path.value() == trace.folder.image(kernel.hash));
  CHECK(!std::filesystem::is_symlink(path.value()));
  CHECK(workshop.read("trace/" + image_name(kernel.hash)) == contents);
}

TEST_CASE("a link that cannot be kept is no error") {
  const Workshop workshop;
  const SmallTrace trace(workshop);
  ImageReference gone = trace.images[0];
  gone.path = workshop.at("nowhere");
  trace.folder.keep_link(gone);
  trace.folder.keep_link(trace.images[0]);
  trace.folder.keep_link(trace.images[0]);
  ImageReference changed = trace.images[1];
  changed.bytes += 1;
  trace.folder.keep_link(changed);
  CHECK(workshop.tree("trace/images").size() == 1);
}

TEST_CASE("only the names of the layout are files of a trace") {
  const std::string hash(32, 'a');
  for (const std::string& name :
       {std::string("trace.header"), std::string("log/000000.open"), std::string("log/1234567.zst"),
        std::string("checkpoints/pages"), std::string("checkpoints/00012.checkpoint"), "images/" + hash}) {
    CAPTURE(name);
    CHECK(is_trace_file(name));
  }
  for (const std::string& name : {std::string(""),
                                  std::string("manifest"),
                                  std::string("control"),
                                  std::string("overlay"),
                                  std::string("trace.header/"),
                                  std::string("./trace.header"),
                                  std::string("/trace.header"),
                                  std::string("log"),
                                  std::string("log/"),
                                  std::string("log/0.open"),
                                  std::string("log/000000"),
                                  std::string("log/00000a.zst"),
                                  std::string("log/000000.zst.tmp"),
                                  std::string("log//000000.zst"),
                                  std::string("log/../trace.header"),
                                  std::string("checkpoints/.checkpoint"),
                                  std::string("checkpoints/../x.checkpoint"),
                                  std::string("checkpoints/a/b.checkpoint"),
                                  std::string("checkpoints/..checkpoint"),
                                  "images/" + hash + "a",
                                  "images/" + std::string(32, 'A'),
                                  "image/" + hash,
                                  std::string("images/..")}) {
    CAPTURE(name);
    CHECK(!is_trace_file(name));
  }
}
