// See message_codec.h.
#include "sync/peer/message_codec.h"

namespace lockstitch::sync {
namespace {

kj::ArrayPtr<const kj::byte> data_of(const std::vector<std::uint8_t>& bytes) { return {bytes.data(), bytes.size()}; }
std::vector<std::uint8_t> bytes_of(capnp::Data::Reader data) { return {data.begin(), data.end()}; }

struct Writer {
  schema::Message::Builder to;

  void operator()(const Hello& m) { to.initHello().setName(m.name); }
  void operator()(const Ready&) { to.setReady(); }
  void operator()(const JoinData& m) { to.initJoinData().setPart(data_of(m.part)); }
  void operator()(const Joined&) { to.setJoined(); }
  void operator()(const InSync&) { to.setInSync(); }
  void operator()(const Log& m) {
    auto log = to.initLog();
    log.setKnownUntil(m.known_until.value);
    log.setSentUntil(m.sent_until.value);
    log.setBatch(data_of(m.batch));
  }
  void operator()(const Ack& m) {
    auto ack = to.initAck();
    ack.setKnownUntil(m.known_until.value);
    ack.setExecuted(m.executed.value);
  }
  void operator()(const Dismiss& m) { to.initDismiss().setWhy(m.why); }
  void operator()(const Surrender& m) { to.initSurrender().setWhy(m.why); }
  void operator()(const HandOver&) { to.setHandOver(); }
  void operator()(const HandOverRefused& m) { to.initHandOverRefused().setWhy(m.why); }
  void operator()(const Fenced&) { to.setFenced(); }
};

}  // namespace

void write(schema::Message::Builder to, const Message& message) {
  to.setTerm(term_of(message));
  std::visit(Writer{to}, message);
}

Result<Message> read(schema::Message::Reader from) {
  const Term term = from.getTerm();
  switch (from.which()) {
    case schema::Message::HELLO:
      return Message(Hello{term, from.getHello().getName()});
    case schema::Message::READY:
      return Message(Ready{term});
    case schema::Message::JOIN_DATA:
      return Message(JoinData{term, bytes_of(from.getJoinData().getPart())});
    case schema::Message::JOINED:
      return Message(Joined{term});
    case schema::Message::IN_SYNC:
      return Message(InSync{term});
    case schema::Message::LOG: {
      const auto log = from.getLog();
      return Message(Log{term, {log.getKnownUntil()}, {log.getSentUntil()}, bytes_of(log.getBatch())});
    }
    case schema::Message::ACK:
      return Message(Ack{term, {from.getAck().getKnownUntil()}, {from.getAck().getExecuted()}});
    case schema::Message::DISMISS:
      return Message(Dismiss{term, from.getDismiss().getWhy()});
    case schema::Message::SURRENDER:
      return Message(Surrender{term, from.getSurrender().getWhy()});
    case schema::Message::HAND_OVER:
      return Message(HandOver{term});
    case schema::Message::HAND_OVER_REFUSED:
      return Message(HandOverRefused{term, from.getHandOverRefused().getWhy()});
    case schema::Message::FENCED:
      return Message(Fenced{term});
  }
  return Error{ExitCode::bad_input, "the peer sent a message that this version does not know"};
}

}  // namespace lockstitch::sync
