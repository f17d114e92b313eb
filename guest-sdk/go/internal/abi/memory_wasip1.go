// Package abi moves values over the border of the component, in the layout of the canonical ABI.
package abi

import "unsafe"

// Text and lists are a 32-bit address and a length; a Go string of this platform has 64-bit ones.

// Slice is a string or list as the host sees it.
type Slice struct{ Address, Len uint32 }

// OfString lends a string to the host: it must stay reachable until the host has read it.
func OfString(text string) Slice {
	return Slice{address(unsafe.Pointer(unsafe.StringData(text))), uint32(len(text))}
}

// OfBytes lends bytes, likewise.
func OfBytes(bytes []byte) Slice { return OfList(bytes) }

// OfList lends a list whose elements have the host's layout.
func OfList[T any](list []T) Slice {
	return Slice{address(unsafe.Pointer(unsafe.SliceData(list))), uint32(len(list))}
}

func address(pointer unsafe.Pointer) uint32 { return uint32(uintptr(pointer)) }

// at is sound for addresses that realloc gave the host: Go's collector does not move memory, and landing keeps it.
func at(address uint32) unsafe.Pointer {
	return unsafe.Add(unsafe.Pointer(nil), int(address))
}

// The landing is where the host puts what it hands over; everything is copied from there at once. What does not fit gets
// memory of its own.
const landingWords = 2048

var (
	landing [landingWords]uint64
	large   [][]uint64
)

// Room is the free part of the landing. The build of a component may put a leaf function in place of realloc which takes
// from it without entering Go: see cardea_room.
type Room struct{ Next, End uint32 }

var room = Room{Next: address(unsafe.Pointer(&landing)), End: address(unsafe.Pointer(&landing)) + landingWords*8}

//go:wasmexport cardea_room
func cardeaRoom() unsafe.Pointer { return unsafe.Pointer(&room) }

//go:wasmexport cabi_realloc
func realloc(old unsafe.Pointer, oldSize, align, size uint32) unsafe.Pointer {
	start := (room.Next + align - 1) &^ (align - 1)
	var taken unsafe.Pointer
	if size <= room.End-start {
		room.Next = start + size
		taken = at(start)
	} else {
		words := make([]uint64, (size+7)/8)
		large = append(large, words)
		taken = unsafe.Pointer(unsafe.SliceData(words))
	}
	copy(unsafe.Slice((*byte)(taken), size), unsafe.Slice((*byte)(old), oldSize))
	return taken
}

// Landed says that all that the host handed over has been copied.
func Landed() {
	room.Next = address(unsafe.Pointer(&landing))
	if large != nil {
		large = nil
	}
}

// String copies a string that the host handed over.
func (s Slice) String() string {
	return string(unsafe.Slice((*byte)(at(s.Address)), s.Len))
}

// Bytes copies bytes that the host handed over.
func (s Slice) Bytes() []byte {
	return append([]byte(nil), unsafe.Slice((*byte)(at(s.Address)), s.Len)...)
}

// List looks at a list that the host handed over; it is gone after Landed.
func List[T any](s Slice) []T { return unsafe.Slice((*T)(at(s.Address)), s.Len) }
