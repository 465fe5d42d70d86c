// SPDX-License-Identifier: Apache-2.0

package vfs

// faultyFile is a file of a FaultyFS.
type faultyFile struct {
	fs    *FaultyFS
	path  string
	inner File
}

func (f *faultyFile) ReadAt(buf []byte, offset int64) (int, error) {
	fault := f.fs.begin(Op{Kind: OpRead, Path: f.path, Offset: offset, Bytes: len(buf)})
	if fault.Err != nil {
		return 0, pathError("read", f.path, fault.Err)
	}
	n, err := f.inner.ReadAt(buf, offset)
	if bit := fault.FlipBit - 1; bit >= 0 && bit/8 < n {
		buf[bit/8] ^= 1 << (bit % 8)
	}
	return n, err
}

func (f *faultyFile) WriteAt(data []byte, offset int64) (int, error) {
	fault := f.fs.begin(Op{Kind: OpWrite, Path: f.path, Offset: offset, Bytes: len(data)})
	if fault.Err == nil {
		return f.inner.WriteAt(data, offset)
	}
	n := 0
	if short := min(fault.ShortBytes, len(data)); short > 0 {
		var err error
		if n, err = f.inner.WriteAt(data[:short], offset); err != nil {
			return n, err
		}
	}
	return n, pathError("write", f.path, fault.Err)
}

func (f *faultyFile) SyncData() error { return f.sync(f.inner.SyncData) }
func (f *faultyFile) Sync() error     { return f.sync(f.inner.Sync) }

func (f *faultyFile) sync(sync func() error) error {
	fault := f.fs.begin(Op{Kind: OpSync, Path: f.path})
	if fault.Err == nil {
		return sync()
	}
	if file, ok := f.inner.(*memFile); ok && fault.LoseUnsynced {
		file.loseUnsynced()
	}
	return pathError("sync", f.path, fault.Err)
}

func (f *faultyFile) DropCache() error {
	if fault := f.fs.begin(Op{Kind: OpDropCache, Path: f.path}); fault.Err != nil {
		return pathError("drop cache", f.path, fault.Err)
	}
	return f.inner.DropCache()
}

func (f *faultyFile) Truncate(size int64) error {
	if fault := f.fs.begin(Op{Kind: OpTruncate, Path: f.path, Offset: size}); fault.Err != nil {
		return pathError("truncate", f.path, fault.Err)
	}
	return f.inner.Truncate(size)
}

func (f *faultyFile) Size() (int64, error) {
	if fault := f.fs.begin(Op{Kind: OpSize, Path: f.path}); fault.Err != nil {
		return 0, pathError("stat", f.path, fault.Err)
	}
	return f.inner.Size()
}

// Close closes the file in any case; a fault is in what it returns only.
func (f *faultyFile) Close() error {
	fault := f.fs.begin(Op{Kind: OpClose, Path: f.path})
	if err := f.inner.Close(); err != nil {
		return err
	}
	if fault.Err != nil {
		return pathError("close", f.path, fault.Err)
	}
	return nil
}
