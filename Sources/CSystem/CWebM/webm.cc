#include "CWebM.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <new>
#include <vector>

#include <webm/callback.h>
#include <webm/reader.h>
#include <webm/webm_parser.h>

namespace {

// Bytes of the largest packet that is read. Larger ones are passed over.
constexpr uint64_t kPacketLimit = 8 << 20;
// Bytes of the largest other element that is kept in memory: codec data, names, track entries.
constexpr uint64_t kElementLimit = 1 << 20;
// Bytes read from the file at a time.
constexpr size_t kChunk = 1 << 16;

// User statuses are positive (webm/status.h): a packet is ready, and parsing pauses.
constexpr int32_t kPacketReady = 1;

// The file ends within what was to be read.
struct EndOfFile {};

class File : public webm::Reader {
 public:
  File(int descriptor, uint64_t size) : descriptor_(descriptor), size_(size), buffer_(kChunk) {}
  ~File() override { close(descriptor_); }
  File(const File &) = delete;
  File &operator=(const File &) = delete;

  webm::Status Read(size_t wanted, uint8_t *target, uint64_t *count) override {
    *count = 0;
    while (*count < wanted) {
      if (!Fill()) break;
      uint64_t offset = position_ - start_;
      size_t part = std::min<size_t>(wanted - *count, filled_ - offset);
      memcpy(target + *count, buffer_.data() + offset, part);
      *count += part;
      position_ += part;
    }
    // Told of a part, libwebm asserts that the element around it goes on, which a file may belie.
    if (*count > 0 && *count < wanted) throw EndOfFile();
    return Outcome(*count, wanted);
  }

  webm::Status Skip(uint64_t wanted, uint64_t *count) override {
    *count = std::min(wanted, Remaining());
    position_ += *count;
    return Outcome(*count, wanted);
  }

  uint64_t Position() const override { return position_; }
  uint64_t Remaining() const { return size_ - position_; }
  uint64_t Size() const { return size_; }
  void Rewind() { position_ = 0; }

 private:
  static webm::Status Outcome(uint64_t count, uint64_t wanted) {
    if (count == wanted) return webm::Status(webm::Status::kOkCompleted);
    return webm::Status(count > 0 ? webm::Status::kOkPartial : webm::Status::kEndOfFile);
  }

  // Makes sure that the byte at the position is in the buffer.
  bool Fill() {
    if (position_ >= start_ && position_ - start_ < filled_) return true;
    if (position_ >= size_) return false;
    ssize_t count;
    do {
      count = pread(descriptor_, buffer_.data(), kChunk, static_cast<off_t>(position_));
    } while (count < 0 && errno == EINTR);
    start_ = position_;
    filled_ = count > 0 ? static_cast<size_t>(count) : 0;
    return filled_ > 0;
  }

  int descriptor_;
  uint64_t size_;
  uint64_t position_ = 0;
  std::vector<uint8_t> buffer_;
  uint64_t start_ = 0;   // position of the buffer's first byte
  size_t filled_ = 0;
};

class Collector : public webm::Callback {
 public:
  explicit Collector(File *file) : file_(file) {}

  webm::Status OnElementBegin(const webm::ElementMetadata &metadata,
                              webm::Action *action) override {
    // Of an element without a size, as a recording that was never finished has them, nobody knows.
    if (metadata.size != webm::kUnknownElementSize && metadata.position <= file_->Size() &&
        metadata.size > file_->Size() - std::min(file_->Size(),
                                                 metadata.position + metadata.header_size)) {
      is_cut_short = true;
    }
    *action = IsWanted(metadata) ? webm::Action::kRead : webm::Action::kSkip;
    return webm::Status(webm::Status::kOkCompleted);
  }

  webm::Status OnInfo(const webm::ElementMetadata &, const webm::Info &info) override {
    if (info.timecode_scale.value() > 0) scale_ = info.timecode_scale.value();
    return webm::Status(webm::Status::kOkCompleted);
  }

  webm::Status OnTrackEntry(const webm::ElementMetadata &,
                            const webm::TrackEntry &entry) override {
    bool is_video = entry.track_type.value() == webm::TrackType::kVideo;
    bool is_audio = entry.track_type.value() == webm::TrackType::kAudio;
    if (!is_video && !is_audio) return webm::Status(webm::Status::kOkCompleted);
    Track &track = is_video ? video : audio;
    if (track.is_known) return webm::Status(webm::Status::kOkCompleted);
    track.is_known = true;
    track.number = entry.track_number.value();
    const std::string &codec = entry.codec_id.value();
    size_t length = std::min(codec.size(), sizeof(track.facts.codec) - 1);
    memcpy(track.facts.codec, codec.data(), length);
    track.facts.codec[length] = 0;
    track.facts.width = entry.video.value().pixel_width.value();
    track.facts.height = entry.video.value().pixel_height.value();
    track.facts.default_duration = entry.default_duration.value();
    track.facts.codec_delay = entry.codec_delay.value();
    track.facts.is_encoded = entry.content_encodings.is_present();
    return webm::Status(webm::Status::kOkCompleted);
  }

  webm::Status OnClusterBegin(const webm::ElementMetadata &, const webm::Cluster &cluster,
                              webm::Action *action) override {
    cluster_time_ = cluster.timecode.value();
    *action = webm::Action::kRead;
    return webm::Status(webm::Status::kOkCompleted);
  }

  webm::Status OnSimpleBlockBegin(const webm::ElementMetadata &, const webm::SimpleBlock &block,
                                  webm::Action *action) override {
    Begin(block, block.is_key_frame, action);
    return webm::Status(webm::Status::kOkCompleted);
  }

  webm::Status OnBlockBegin(const webm::ElementMetadata &, const webm::Block &block,
                            webm::Action *action) override {
    Begin(block, false, action);
    return webm::Status(webm::Status::kOkCompleted);
  }

  // Called again with nothing remaining after the pause that hands out a packet.
  webm::Status OnFrame(const webm::FrameMetadata &metadata, webm::Reader *reader,
                       uint64_t *remaining) override {
    if (is_paused_) {
      is_paused_ = false;
      return webm::Status(webm::Status::kOkCompleted);
    }
    if (metadata.size > kPacketLimit || *remaining > kPacketLimit) return Skip(reader, remaining);
    if (*remaining > file_->Remaining()) return webm::Status(webm::Status::kEndOfFile);
    bytes_.resize(static_cast<size_t>(*remaining));
    size_t filled = 0;
    while (*remaining > 0) {
      uint64_t count = 0;
      webm::Status status =
          reader->Read(static_cast<size_t>(*remaining), bytes_.data() + filled, &count);
      filled += static_cast<size_t>(count);
      *remaining -= count;
      if (!status.ok()) return status;
    }
    packet.bytes = bytes_.data();
    packet.size = bytes_.size();
    is_paused_ = true;
    return webm::Status(kPacketReady);
  }

  struct Track {
    bool is_known = false;
    uint64_t number = 0;
    virtue_webm_track facts = {};
  };
  Track video;
  Track audio;
  virtue_webm_packet packet = {};
  // Whether an element was met that is longer than the file.
  bool is_cut_short = false;

 private:
  static bool IsWanted(const webm::ElementMetadata &metadata) {
    switch (metadata.id) {
      case webm::Id::kSegment:
      case webm::Id::kCluster:
        return true;
      case webm::Id::kSimpleBlock:
      case webm::Id::kBlock:
      case webm::Id::kBlockGroup:
        return metadata.size <= kPacketLimit + kElementLimit;
      case webm::Id::kCues:
      case webm::Id::kChapters:
      case webm::Id::kTags:
      case webm::Id::kSeekHead:
      case webm::Id::kBlockAdditions:
        return false;
      default:
        return metadata.size <= kElementLimit;
    }
  }

  void Begin(const webm::Block &block, bool is_keyframe, webm::Action *action) {
    const Track *track = nullptr;
    if (video.is_known && block.track_number == video.number) track = &video;
    if (audio.is_known && block.track_number == audio.number) track = &audio;
    int64_t ticks = 0, nanoseconds = 0;
    bool is_timed = cluster_time_ <= INT64_MAX && scale_ <= INT64_MAX &&
                    !__builtin_add_overflow(static_cast<int64_t>(cluster_time_),
                                            static_cast<int64_t>(block.timecode), &ticks) &&
                    !__builtin_mul_overflow(ticks, static_cast<int64_t>(scale_), &nanoseconds);
    *action = track != nullptr && is_timed ? webm::Action::kRead : webm::Action::kSkip;
    packet.kind = track == &audio ? virtue_webm_audio : virtue_webm_video;
    packet.nanoseconds = nanoseconds;
    packet.is_keyframe = is_keyframe;
  }

  File *file_;
  std::vector<uint8_t> bytes_;
  bool is_paused_ = false;
  uint64_t scale_ = 1000000;
  uint64_t cluster_time_ = 0;
};

}  // namespace

struct virtue_webm_reader {
  explicit virtue_webm_reader(int descriptor, uint64_t size) : file(descriptor, size) { Restart(); }

  void Restart() {
    file.Rewind();
    collector = std::make_unique<Collector>(&file);
    parser = std::make_unique<webm::WebmParser>();
    has_ended = false;
  }

  File file;
  std::unique_ptr<Collector> collector;
  std::unique_ptr<webm::WebmParser> parser;
  // The parser isn't to be fed beyond the end: where that lies within an element it would assert.
  bool has_ended = false;
};

virtue_webm_reader *virtue_webm_open(const char *path, int *error) {
  // Not blocking, so that a named pipe can't hold up the program.
  int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) {
    *error = errno;
    return nullptr;
  }
  struct stat facts;
  if (fstat(descriptor, &facts) != 0 || !S_ISREG(facts.st_mode)) {
    close(descriptor);
    *error = EINVAL;
    return nullptr;
  }
  try {
    return new virtue_webm_reader(descriptor, static_cast<uint64_t>(facts.st_size));
  } catch (...) {
    // The file's descriptor is left open only if there wasn't even memory for its buffer.
    *error = ENOMEM;
    return nullptr;
  }
}

void virtue_webm_close(virtue_webm_reader *reader) { delete reader; }

int virtue_webm_next(virtue_webm_reader *reader, virtue_webm_packet *packet) {
  if (reader->has_ended) return virtue_webm_ended;
  if (!reader->parser) return virtue_webm_damaged;
  try {
    webm::Status status = reader->parser->Feed(reader->collector.get(), &reader->file);
    if (status.code == kPacketReady) {
      *packet = reader->collector->packet;
      return virtue_webm_packet_read;
    }
    if (status.code == webm::Status::kOkCompleted || status.code == webm::Status::kEndOfFile) {
      reader->has_ended = true;
      return virtue_webm_ended;
    }
  } catch (const EndOfFile &) {
    reader->has_ended = true;
    return virtue_webm_ended;
  } catch (...) {
    // The parser is in no known state now.
    reader->parser.reset();
  }
  return virtue_webm_damaged;
}

int virtue_webm_is_cut_short(const virtue_webm_reader *reader) {
  return reader->collector && reader->collector->is_cut_short;
}

int virtue_webm_track_of_kind(
    const virtue_webm_reader *reader, int kind, virtue_webm_track *track) {
  if (!reader->collector) return 0;
  const auto &found =
      kind == virtue_webm_video ? reader->collector->video : reader->collector->audio;
  if (!found.is_known) return 0;
  *track = found.facts;
  return 1;
}

void virtue_webm_rewind(virtue_webm_reader *reader) {
  try {
    reader->Restart();
  } catch (...) {
    reader->parser.reset();
  }
}
